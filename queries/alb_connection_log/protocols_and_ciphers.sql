-- Which protocols and ciphers do clients use, by listener?
select
  listener_port,
  tls_protocol,
  tls_cipher,
  count(*) as connections,
  count(distinct client_ip) as clients,
  round(100e0 * count(*) / sum(count(*)) over (partition by listener_port), 2) as percent
from
  alb_connection_log
where
  tls_protocol is not null
group by
  listener_port,
  tls_protocol,
  tls_cipher
order by
  listener_port,
  connections desc,
  tls_protocol,
  tls_cipher;
