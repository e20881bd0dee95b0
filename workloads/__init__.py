"""The jobs that are measured: one file a job, named verb_object."""
