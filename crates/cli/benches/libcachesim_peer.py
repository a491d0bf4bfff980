"""Runs libCacheSim on one file, and prints its processor time and its misses as JSON."""

import json
import sys
import time

import libcachesim


def reader(path, kind):
    """A fresh reader of the trace at `path`."""
    if kind == "csv":
        columns = libcachesim.ReaderInitParam()
        columns.has_header = True
        columns.has_header_set = True
        columns.delimiter = ","
        columns.time_field = 1
        columns.obj_id_field = 2
        columns.obj_size_field = 3
        columns.obj_id_is_num = True
        columns.obj_id_is_num_set = True
        return libcachesim.TraceReader(path, libcachesim.TraceType.CSV_TRACE, columns)
    return libcachesim.TraceReader(path, libcachesim.TraceType.ORACLE_GENERAL_TRACE)


def main():
    path, kind, cache_bytes, n_requests = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    cache = libcachesim.LRU(cache_bytes)
    start = time.process_time()
    miss_ratio, _ = cache.process_trace(reader(path, kind))
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "n_misses": round(miss_ratio * n_requests)}))


main()
