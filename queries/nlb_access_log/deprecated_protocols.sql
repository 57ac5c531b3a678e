-- Which clients still use deprecated versions of TLS?
select
  tls_protocol_version,
  tls_cipher,
  domain_name,
  client_ip,
  count(*) as connections,
  max("timestamp") as last_one
from
  nlb_access_log
where
  lower(tls_protocol_version) in ('tlsv11', 'tlsv1', 'tlsv10', 'sslv3')
group by
  tls_protocol_version,
  tls_cipher,
  domain_name,
  client_ip
order by
  connections desc,
  tls_protocol_version,
  tls_cipher,
  domain_name,
  client_ip
limit 20;
