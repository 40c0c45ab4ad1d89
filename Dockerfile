# syntax=docker/dockerfile:1
# The command `forecast` with all that `make app` locks. Everything it writes goes to the volume /data.
FROM python:3.13-slim AS built
WORKDIR /src
COPY requirements.lock requirements-app.lock ./
RUN python -m venv /opt/forecast \
    && /opt/forecast/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock -r requirements-app.lock
COPY pyproject.toml README.md LICENSE LICENSE-DATA ./
COPY configs configs
COPY forecast forecast
RUN /opt/forecast/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --create-home --home-dir /data --uid 10001 --user-group forecast
COPY --from=built /opt/forecast /opt/forecast
# Caches of compiled code and fonts lie in the volume too: the second start is quick, and a root file system
# that is read-only will do.
ENV PATH=/opt/forecast/bin:$PATH \
    HOME=/data \
    MPLCONFIGDIR=/data/.cache/matplotlib \
    NUMBA_CACHE_DIR=/data/.cache/numba \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
ENTRYPOINT ["forecast"]
CMD ["--help"]
