# Makefile: the words everybody types. What they do is in tools/.

.PHONY: build run test bench bench-archive bench-forget bench-history bench-together bench-wear fuzz soak soak-archive image-check deb format lint clean

build:
	@tools/setup.sh build
	@tools/build.sh release

run: build
	@exec build/release/postern run

test:
	@tools/setup.sh test
	@tools/test.sh

bench-archive:
	@tools/bench-archive.sh

bench-forget:
	@tools/bench-forget.sh $(EVENTS)

bench: build
	@tools/setup.sh bench
	@tools/bench.sh

bench-history:
	@tools/setup.sh bench
	@tools/build.sh release plain
	@tools/venv.sh
	@build/venv/bin/python tests/bench/history.py $(EVENTS)

bench-together:
	@tools/setup.sh bench
	@tools/build.sh release plain
	@tools/venv.sh
	@tools/servers.sh ferretdb
	@build/venv/bin/python tests/bench/together.py $(EVENTS)

bench-wear:
	@tools/setup.sh bench
	@tools/build.sh release
	@tools/venv.sh
	@build/venv/bin/python tests/bench/wear.py

fuzz:
	@tools/setup.sh test
	@tools/fuzz.sh $(or $(SECONDS),600)

soak:
	@tools/setup.sh test
	@tools/soak.sh

soak-archive:
	@tools/soak-archive.sh

image-check:
	@tools/image-check.sh $(OPTIONS)

deb:
	@tools/deb.sh

format:
	@tools/format.sh

lint:
	@tools/lint.sh

clean:
	rm -rf build
