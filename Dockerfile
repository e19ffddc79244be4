FROM node:20-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
# A foreign Temporal or registry is reached over TLS with the system's roots.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /opt/temporal-medperf
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/bin ./bin
COPY --from=build /build/lib ./lib
COPY --from=build /build/devstack/cubes ./devstack/cubes
COPY --from=build /build/examples ./examples
# Reaches Docker, where it has to, by the socket's group (docker-compose.yml), not as root.
USER node
ENTRYPOINT ["node", "/opt/temporal-medperf/bin/temporal-medperf.js"]
