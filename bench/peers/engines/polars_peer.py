"""Polars: the log as a lazily read CSV, streamed into the file."""

import os

os.environ["POLARS_MAX_THREADS"] = "1"

import peer  # noqa: E402 (Polars reads the number of threads when it is imported)
import polars as pl  # noqa: E402
from fields import BIG, FIELDS, INT, PROCESSING_TIMES, SECONDS, TEXT, TIME, rest  # noqa: E402

# A time is read as text: the CSV reader does not know the form that ends in Z with microseconds.
TYPES = {TEXT: pl.String, TIME: pl.String, INT: pl.Int32, BIG: pl.Int64, SECONDS: pl.Float64}


def time(name: str) -> pl.Expr:
    return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="us", time_zone="UTC")


def host_and_port(name: str) -> list[pl.Expr]:
    # The port stands behind the last colon: IPv6 is written without brackets. Quicker than two regular expressions.
    port = pl.col(name).str.split(":").list.last()
    host = pl.col(name).str.strip_suffix(pl.concat_str(pl.lit(":"), port))
    return [host.alias(f"{name}_ip"), port.cast(pl.Int32).alias(f"{name}_port")]


def convert(source: str, to: str, form: str) -> None:
    frame = pl.scan_csv(
        source,
        separator=" ",
        quote_char='"',
        has_header=False,
        null_values="-",
        schema={name: TYPES[kind] for name, kind in FIELDS.items()},
    )
    request = pl.col("request").str.splitn(" ", 3).struct
    frame = frame.select(
        time("time").alias("timestamp"),
        *host_and_port("client"),
        *host_and_port("target"),
        *[pl.when(pl.col(name) != -1).then(pl.col(name)).alias(name) for name in PROCESSING_TIMES],
        request.field("field_0").alias("request_verb"),
        request.field("field_1").alias("request_url"),
        request.field("field_2").alias("request_proto"),
        time("request_creation_time"),
        *rest("time", "client", "target", "request", "request_creation_time", *PROCESSING_TIMES),
    )
    if form == "parquet":
        frame.sink_parquet(to, compression="zstd", compression_level=1)
    else:
        frame.sink_ndjson(to)


peer.main(convert)
