-- Which TLS alerts do clients send, by protocol?
select
  incoming_tls_alert,
  tls_protocol_version,
  domain_name,
  count(*) as connections,
  count(distinct client_ip) as clients,
  max("timestamp") as last_one
from
  nlb_access_log
where
  incoming_tls_alert is not null
group by
  incoming_tls_alert,
  tls_protocol_version,
  domain_name
order by
  connections desc,
  incoming_tls_alert,
  tls_protocol_version,
  domain_name;
