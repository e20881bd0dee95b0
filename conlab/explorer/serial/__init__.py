"""Serial orders: whether what threads do together could have been done one after the other."""
