module rectrail/interop

go 1.22.0

require golang.org/x/mod v0.21.0

require github.com/anishathalye/porcupine v1.3.1
