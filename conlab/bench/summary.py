def complete(o, m): pass
def text(m, t): 
    return "\n".join(f"{x.cell.id:40} {x.median*1000:9.2f} ms ±{x.spread*1000:6.2f} n={len(x.rounds)} inflight={x.in_flight:.1f} cores={x.cores_busy:.2f} cpu={x.cpu:.3f} mem={x.memory_added/2**20:.1f} floor={x.floor.seconds*1000:.1f} start={x.start:.2f} stop={x.stop:.2f} origin={x.cpu_origin/x.cost.wall:.2f}" for x in m.measured)+"\n"
