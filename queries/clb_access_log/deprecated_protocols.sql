-- Which clients still use deprecated versions of TLS and SSL?
select
  ssl_protocol,
  ssl_cipher,
  client_ip,
  count(*) as requests,
  max("timestamp") as last_one
from
  clb_access_log
where
  ssl_protocol in ('TLSv1.1', 'TLSv1', 'SSLv3', 'SSLv2')
group by
  ssl_protocol,
  ssl_cipher,
  client_ip
order by
  requests desc,
  ssl_protocol,
  ssl_cipher,
  client_ip
limit 20;
