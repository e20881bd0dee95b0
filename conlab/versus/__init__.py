"""Did it get slower? Two sides measured in pairs, judged with a stated rate of false alarms."""
