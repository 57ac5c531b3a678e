-- How long do TLS handshakes take by protocol, in milliseconds?
with ranked as (
  select
    tls_protocol_version,
    tls_handshake_time as milliseconds,
    cume_dist() over (partition by tls_protocol_version order by tls_handshake_time) as share
  from
    nlb_access_log
  where
    tls_handshake_time is not null
)
select
  tls_protocol_version,
  count(*) as connections,
  min(milliseconds) filter (where share >= 0.5) as p50,
  min(milliseconds) filter (where share >= 0.9) as p90,
  min(milliseconds) filter (where share >= 0.99) as p99,
  max(milliseconds) as slowest
from
  ranked
group by
  tls_protocol_version
order by
  connections desc,
  tls_protocol_version;
