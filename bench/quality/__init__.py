"""Which pictures are recognised: mitate beside published methods on edited frames of real clips.

`python -m bench quality` asks everything, `--quick` a little of it, and `python -m bench.quality
--help` lists all options. What is slow to make is kept in the user's cache folder, so a run that
was cut off goes on, and a change of one method describes again for that method only. PDQ needs the
package `pdqhash`, MPEG-7 the program ffmpeg; without them their columns are missing.
"""
