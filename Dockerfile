# scaling-search in an image: Python 3.11 and CPUs, unless said otherwise.
#
#     docker build --tag scaling-search .
#     docker run --rm --shm-size 2g -v "$PWD:/work" scaling-search run --baseline b0 --phi 1
#
# With CUDA: a base that has torch already keeps it, since its version is one that pyproject.toml allows.
#
#     docker build --tag scaling-search:cuda --build-arg BASE=pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime --build-arg TORCH= .
#     docker run --rm --gpus all --shm-size 2g -v "$PWD:/work" scaling-search:cuda run --baseline b0 --phi 1
#
# Ray keeps its objects in /dev/shm, for which docker gives 64 MB by default: hence --shm-size.
ARG BASE=python:3.11-slim
FROM ${BASE}

# What pip is told so that torch is one without CUDA; empty where the base has torch.
ARG TORCH="torch torchvision --index-url https://download.pytorch.org/whl/cpu"
ARG EXTRAS=zoo,export
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_BREAK_SYSTEM_PACKAGES=1

WORKDIR /opt/scaling-search
RUN if [ -n "${TORCH}" ]; then pip install ${TORCH}; fi
COPY pyproject.toml README.md LICENSE ./
COPY searchspaces searchspaces
COPY scaling_search scaling_search
RUN pip install ".[${EXTRAS}]" && scaling-search --version

# Nobody's files but the user's: a run's folder and the cache of packed images belong to who starts the container (--user).
RUN mkdir --mode 1777 /work
ENV HOME=/work MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /work
ENTRYPOINT ["scaling-search"]
CMD ["--help"]
