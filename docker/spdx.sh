#!/bin/sh
# spdx.sh VERSION < packages : a bill of materials (SPDX 2.3, JSON) of the Debian packages whose files were copied into the image.
set -eu
awk -v version="$1" '
function esc(s) { gsub(/[\\"]/, "\\\\&", s); return s }
BEGIN {
  printf "{\"spdxVersion\":\"SPDX-2.3\",\"dataLicense\":\"CC0-1.0\",\"SPDXID\":\"SPDXRef-DOCUMENT\",\"name\":\"postern-%s\",", esc(version)
  printf "\"documentNamespace\":\"urn:postern:spdx:%s\",\"creationInfo\":{\"created\":\"1970-01-01T00:00:00Z\",\"creators\":[\"Tool: docker/spdx.sh\"]},\"packages\":[", esc(version)
  printf "{\"SPDXID\":\"SPDXRef-postern\",\"name\":\"postern\",\"versionInfo\":\"%s\",\"downloadLocation\":\"NOASSERTION\",\"filesAnalyzed\":false,\"licenseDeclared\":\"MIT\"}", esc(version)
}
{ id = $1; gsub(/[^A-Za-z0-9.-]/, "-", id)
  printf ",{\"SPDXID\":\"SPDXRef-deb-%s\",\"name\":\"%s\",\"versionInfo\":\"%s\",\"sourceInfo\":\"built from %s\",\"downloadLocation\":\"NOASSERTION\",\"filesAnalyzed\":false,", id, esc($1), esc($2), esc($3)
  printf "\"externalRefs\":[{\"referenceCategory\":\"PACKAGE-MANAGER\",\"referenceType\":\"purl\",\"referenceLocator\":\"pkg:deb/debian/%s@%s\"}]}", esc($1), esc($2)
  ids[++n] = id }
END {
  printf "],\"relationships\":[{\"spdxElementId\":\"SPDXRef-DOCUMENT\",\"relationshipType\":\"DESCRIBES\",\"relatedSpdxElement\":\"SPDXRef-postern\"}"
  for (i = 1; i <= n; i++) printf ",{\"spdxElementId\":\"SPDXRef-postern\",\"relationshipType\":\"DEPENDS_ON\",\"relatedSpdxElement\":\"SPDXRef-deb-%s\"}", ids[i]
  print "]}"
}'
