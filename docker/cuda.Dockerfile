# shinsaku for NVIDIA GPUs on x64, from the tarball of `npm run prebuilds`:
# docker build --platform linux/amd64 -f docker/cuda.Dockerfile -t shinsaku:cuda .
FROM node:24-bookworm-slim

# All that CUDA needs comes with libtorch; the driver is the host's, by the NVIDIA Container Toolkit.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# setup asks pip for libtorch.
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3 python3-pip \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /data /var/cache/shinsaku

WORKDIR /app
COPY shinsaku-*.tgz ./
RUN npm install --ignore-scripts --no-audit --no-fund ./shinsaku-*.tgz

USER node
ENV PATH=/app/node_modules/.bin:$PATH SHINSAKU_CACHE=/var/cache/shinsaku
RUN shinsaku setup --cuda

# Pictures and runs: docker run --rm --platform linux/amd64 --gpus all -v "$PWD:/data" shinsaku:cuda train ./icons
WORKDIR /data
ENTRYPOINT ["shinsaku"]
CMD ["--help"]
