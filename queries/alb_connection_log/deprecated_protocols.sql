-- Which clients still use deprecated versions of TLS and SSL?
select
  tls_protocol,
  tls_cipher,
  elb,
  client_ip,
  count(*) as connections,
  max("timestamp") as last_one
from
  alb_connection_log
where
  tls_protocol in ('TLSv1.1', 'TLSv1', 'SSLv3', 'SSLv2')
group by
  tls_protocol,
  tls_cipher,
  elb,
  client_ip
order by
  connections desc,
  tls_protocol,
  tls_cipher,
  elb,
  client_ip
limit 20;
