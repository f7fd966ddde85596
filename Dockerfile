# One image for the web server, the workers, the schedule and the migration: compose.yaml says which
# command each of them runs.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/booking
WORKDIR /src
# Before the code, so that a change of ours does not install everyone else's again.
COPY requirements.txt ./
RUN /opt/booking/bin/pip install --require-hashes -r requirements.txt
COPY pyproject.toml README.md ./
COPY booking booking
COPY workers workers
RUN /opt/booking/bin/pip install --no-deps .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/booking --create-home booking
COPY --from=build /opt/booking /opt/booking
COPY alembic.ini /var/lib/booking/
ENV PATH=/opt/booking/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BOOKING_ENVIRONMENT=production \
    BOOKING_DATA_DIR=/var/lib/booking/data
WORKDIR /var/lib/booking
USER booking
EXPOSE 8000
CMD ["booking", "serve", "--host", "0.0.0.0", "--port", "8000"]
