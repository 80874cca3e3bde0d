"""What a video is made of: mitate beside published aligners, on synthetic AMVs with known truth.

`python -m bench timeline` edits AMVs and clips from real clips, asks every method the same, and
reports how well the timelines agree with the truth; `--quick` does a little of it, and
`python -m bench.timeline --help` lists all options. What is slow to make is kept in the user's
cache folder.
"""
