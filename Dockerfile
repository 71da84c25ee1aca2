# The digest is what is built on; the tag beside it says which Node that is. Dependabot renews both.
FROM node:26.10.0-slim@sha256:ec7758ee051e457b468b32bde57b0879010b325bb9862718e9615225ce4aaae1 AS base
# Since 25, Node needs libatomic. The official image has it; one that others make from a plain Debian may not.
RUN node --version || (apt-get update && apt-get install -y --no-install-recommends libatomic1 && \
    apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin)
# A young generation of three times 16 MB at most, half of Node's own: a tenth less memory in a flood; with 8 an event costs a
# tenth more computing. And on a machine with much memory V8 would let the heap grow to four times what is in use before it collects;
# below 320 MB, three times what a flood of minutes keeps, to one and a half. With the young generation and 64 MB of bodies on their
# way (src/intake/arrivals.ts) it fits into the 512 MiB
# of deploy/. From here on, because Node takes compiled code only under the flags it was compiled with.
ENV NODE_OPTIONS="--max-semi-space-size=16 --max-old-space-size=320"
# What a body of 16 KiB or more was in goes back to the system when it is over. glibc would keep it: a fifth of all memory
# where thousands send bodies that never end.
ENV MALLOC_MMAP_THRESHOLD_=16384

FROM base AS build
WORKDIR /app
# Before the sources, so that a change to them does not install everything again.
COPY package.json package-lock.json ./
# Nothing we depend on needs its install scripts, so none gets to run.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && \
    # Half of it is for editors and debuggers. What runs stays, and every licence.
    find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete
COPY LICENSE config.example.yaml config.schema.json ./
COPY routes routes
COPY src src
# A checkout made under a strict umask would be readable by root alone.
RUN chmod -R a+rX . && install -d -o 65532 -g 65532 node_modules/.cache
# Compiled once, here, by being used: the running container has nowhere to keep it. Node looks only for what was kept by
# the user it runs as, so whoever runs the relay as another one has a slower start.
USER 65532:65532
RUN node src/main.js demo --once --port 0 > /dev/null
# What the demo does without, and a relay loads late: of a single file that is not compiled, 14 MB would stay.
RUN NODE_COMPILE_CACHE=/app/node_modules/.cache/flux-relay node --input-type=module --eval " \
    for (const file of ['src/cli/serve', 'src/store/postgres/store', 'src/deliver/slack', 'src/slack-socket/connection', \
      'src/rehearsal/event', 'src/rehearsal/rehearsal', 'routes/api', 'routes/dashboard']) \
      await import('/app/' + file + '.ts')"
USER root
RUN chown -R root:root node_modules/.cache && chmod -R a+rX node_modules/.cache

FROM base
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    CONFIG_FILE=/etc/flux-relay/config.yaml \
    DATABASE_URL=sqlite:/data/relay.db
# A new volume takes over owner and mode: whichever --user is chosen can write to it, and nobody else is in here.
RUN install -d -o 65532 -g 65532 -m 777 /data
WORKDIR /app
# All of it stays root's: the relay cannot change its own program.
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/package.json /app/LICENSE /app/config.example.yaml /app/config.schema.json ./
COPY --from=build /app/routes routes
COPY --from=build /app/src src
# For `docker exec` and `kubectl exec`: the same spelling everywhere.
RUN ln -s /app/src/main.js /usr/local/bin/flux-relay
# After the directory exists as it should: what a later step does inside a volume is thrown away.
VOLUME /data
EXPOSE 8080
# As a number: Kubernetes' runAsNonRoot cannot judge a name. The same as in deploy/, for which the code was compiled.
USER 65532:65532
# The port as the relay reads it: an empty one, as compose files have it, is none. A refused connection is a rejection nobody
# handles: Node prints it and exits with 1.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${+process.env.PORT || 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1))"]
ENTRYPOINT ["node", "/app/src/main.js"]
CMD ["serve"]
# Last, so that another version of the same program is another label and no other layer.
ARG SOURCE=https://github.com/acme/flux-relay
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flux-relay" \
      org.opencontainers.image.description="Receives Flux CD events, decides who should be notified, and makes sure that Slack is" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
