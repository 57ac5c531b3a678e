-- How long do TLS handshakes take by protocol and cipher, in seconds?
with ranked as (
  select
    tls_protocol,
    tls_cipher,
    tls_handshake_latency as seconds,
    cume_dist() over (
      partition by tls_protocol, tls_cipher
      order by tls_handshake_latency
    ) as share
  from
    alb_connection_log
  where
    tls_handshake_latency is not null
)
select
  tls_protocol,
  tls_cipher,
  count(*) as connections,
  min(seconds) filter (where share >= 0.5) as p50,
  min(seconds) filter (where share >= 0.9) as p90,
  min(seconds) filter (where share >= 0.99) as p99,
  max(seconds) as slowest
from
  ranked
group by
  tls_protocol,
  tls_cipher
order by
  connections desc,
  tls_protocol,
  tls_cipher;
