-- Which TLS versions and ciphers do clients of Network Load Balancers use?
-- table: nlb_access_log
select tls_protocol_version, tls_cipher, count(*) as connections, count(distinct client_ip) as clients
from nlb_access_log
where date >= date_format(current_date - interval '1' day, '%Y-%m-%d')
group by 1, 2
order by connections desc, 1, 2;
