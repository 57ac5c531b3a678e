-- What share of each server name's TLS connections uses a post-quantum key exchange (ML-KEM)?
select
  domain_name,
  count(*) as connections,
  count(*) filter (where strpos(lower(tls_keyexchange), 'mlkem') > 0) as post_quantum,
  round(100e0 * count(*) filter (where strpos(lower(tls_keyexchange), 'mlkem') > 0) / count(*), 1) as percent
from
  nlb_access_log
where
  tls_keyexchange is not null
group by
  domain_name
order by
  connections desc,
  domain_name;
