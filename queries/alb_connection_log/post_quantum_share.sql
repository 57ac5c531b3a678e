-- What share of each day's TLS connections uses a post-quantum key exchange (ML-KEM)?
select
  cast("timestamp" as date) as day,
  count(*) as connections,
  count(*) filter (where strpos(lower(tls_keyexchange), 'mlkem') > 0) as post_quantum,
  round(100e0 * count(*) filter (where strpos(lower(tls_keyexchange), 'mlkem') > 0) / count(*), 1) as percent
from
  alb_connection_log
where
  tls_keyexchange is not null
group by
  1
order by
  day;
