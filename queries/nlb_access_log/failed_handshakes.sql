-- Which clients fail the TLS handshake?
-- A connection whose handshake failed has no handshake time and no cipher.
select
  listener,
  client_ip,
  count(*) as connections,
  array_agg(distinct incoming_tls_alert order by incoming_tls_alert)
    filter (where incoming_tls_alert is not null) as alerts,
  max("timestamp") as last_one
from
  nlb_access_log
where
  tls_handshake_time is null
  and tls_cipher is null
group by
  listener,
  client_ip
order by
  connections desc,
  listener,
  client_ip
limit 20;
