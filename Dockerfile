# Two stages: build and collect what runs; put that on a Debian without build tools.
FROM node:26.10.0-bookworm-slim AS build
# binutils only strips the Node binary (34 MB of symbols) and stays in this stage: any version will do.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# `--build-arg ONNX=yes` keeps ONNX Runtime, of this platform alone: 47 MB.
ARG ONNX=
COPY . .
# The published package, and beside it what it depends on; types and maps are for developers.
RUN --mount=type=cache,target=/root/.npm \
    npm install --no-audit --no-fund \
 && npm pack --pack-destination /tmp \
 && npm prune --omit=dev --no-audit --no-fund \
 && rm -r node_modules/node-* node_modules/@millwright \
 && if [ -n "$ONNX" ]; then keep="linux/$(node -p process.arch)"; \
    find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 -type d ! -path "*/$keep" -exec rm -r {} +; \
    else rm -r node_modules/onnxruntime-node; fi \
 && find node_modules -type f \( -name '*.ts' -o -name '*.map' \) -delete
RUN mkdir -p /image/app /image/usr/local/bin /image/usr/lib \
 && tar -xzf /tmp/millwright-*.tgz --strip-components=1 -C /image/app \
 && mv node_modules /image/app \
 && ln -s /app/bin/millwright.js /image/usr/local/bin/millwright \
 && strip --output-file /image/usr/local/bin/node "$(command -v node)" \
 && cp --dereference /usr/lib/*-linux-gnu/libatomic.so.1 /image/usr/lib/

FROM debian:12.15-slim
RUN useradd --uid 1000 --no-create-home --shell /usr/sbin/nologin millwright \
 && install --directory --owner=millwright --mode=0700 /data
COPY --from=build /image/ /
WORKDIR /app
USER 1000
VOLUME /data
ENV MILLWRIGHT_HOST=0.0.0.0 MILLWRIGHT_PORT=7600 MILLWRIGHT_DATA=/data
EXPOSE 7600
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "process.removeAllListeners('warning'); process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; fetch(`${process.env.MILLWRIGHT_TLS_CERT ? 'https' : 'http'}://127.0.0.1:${process.env.MILLWRIGHT_PORT}/health/ready`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["millwright"]
CMD ["up"]
