# 乡树: the commands of everyday work. Everything happens in .venv; nothing is installed on the machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FLASK := $(BIN)/flask --app app
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4
# Tests commit thousands of times: on a memory disk nobody waits for a real one.
export PYTEST_DEBUG_TEMPROOT ?= $(if $(wildcard /dev/shm/.),/dev/shm,/tmp)

.DEFAULT_GOAL := help
.PHONY: help demo demo-tokens run test test-pg sure lint migration bench clean

help:  ## 显示本帮助
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.runtime: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.tools: requirements-dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(VENV)/.runtime  ## 一条命令看完整流程: 登录、认种、支付、积分、证书、树码 (DEMO_EXIT=1 结束后退出)
	@$(BIN)/python -m wxbackend.devtools.demo.run

demo-tokens: $(VENV)/.runtime  ## 演示库的居民令牌与工作人员账号
	@APP_ENV=development DATABASE_URL=sqlite:///$(CURDIR)/var/demo/xiangshu.db $(FLASK) demo tokens

run: $(VENV)/.runtime  ## 开发运行: 迁移后同时启动服务与工作进程
	$(FLASK) db upgrade
	@trap 'kill 0' INT TERM EXIT; $(FLASK) jobs work & $(FLASK) run --port $${PORT:-8000}

test: $(VENV)/.tools  ## 全部测试: SQLite; 设置 TEST_POSTGRES_URL / TEST_REDIS_URL 时加上它们
	$(PYTEST)

test-pg: $(VENV)/.tools  ## 同上, 使用本机 PostgreSQL
	TEST_POSTGRES_URL=$${TEST_POSTGRES_URL:-postgresql://postgres@127.0.0.1:5432/postgres} $(PYTEST)

lint: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

sure: lint test  ## 提交前: 风格、类型、依赖方向、测试

migration: $(VENV)/.tools  ## 生成下一个迁移: make migration name=add_something
	$(FLASK) db revision --autogenerate -m "$(name)"

bench: $(VENV)/.tools  ## 可重复的测量: 与同类和下限的比值
	$(BIN)/python -m bench

clean:  ## 删除运行时产生的一切
	rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis
