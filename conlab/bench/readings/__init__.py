"""What a model did to a job, read out of the figures of a run: figures in, a sentence out."""
