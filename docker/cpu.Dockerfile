# shinsaku for CPUs, from the tarball of `npm run prebuilds`:
# docker build -f docker/cpu.Dockerfile -t shinsaku:cpu .
FROM node:24-bookworm-slim

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
RUN shinsaku setup --cpu

# Pictures and runs: docker run --rm -v "$PWD:/data" shinsaku:cpu train ./icons
WORKDIR /data
ENTRYPOINT ["shinsaku"]
CMD ["--help"]
