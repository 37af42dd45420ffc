# One server node. Data of the embedded store: mount a volume at /var/lib/allspark, or set MONGODB_URI.
FROM node:20.19.5-bookworm-slim AS build
WORKDIR /opt/allspark
COPY package.json package-lock.json .npmrc ./
COPY sdk/package.json sdk/package.json
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/build.mjs
COPY sdk sdk
COPY src src
RUN npm run build

FROM node:20.19.5-bookworm-slim AS packages
WORKDIR /opt/allspark
COPY package.json package-lock.json .npmrc ./
COPY sdk/package.json sdk/package.json
RUN npm ci --omit=dev

FROM node:20.19.5-bookworm-slim
WORKDIR /opt/allspark
ENV NODE_ENV=production \
    DATA_DIR=/var/lib/allspark \
    LISTEN_ADDRESS=0.0.0.0 \
    PORT=8080
COPY package.json LICENSE ./
COPY bin bin
COPY --from=packages /opt/allspark/node_modules node_modules
COPY --from=build /opt/allspark/sdk/package.json sdk/package.json
COPY --from=build /opt/allspark/sdk/dist sdk/dist
COPY --from=build /opt/allspark/dist dist
COPY scripts/healthcheck.mjs scripts/healthcheck.mjs
RUN mkdir -p /var/lib/allspark && chown node:node /var/lib/allspark
USER node
VOLUME /var/lib/allspark
EXPOSE 8080
# The program itself is the first process and drains on this signal; give it 30 s (docker stop --time 30).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["node", "scripts/healthcheck.mjs"]
CMD ["node", "--enable-source-maps", "bin/allspark.js", "start"]
