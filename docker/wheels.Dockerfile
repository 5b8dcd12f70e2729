# A folder of wheels as an image, so that the other builds can install from it without a network and
# wherever the folder is. `make images WHEELS=dir` builds it first and removes it at the end.
FROM scratch
COPY *.whl /
