package engine

import (
	"os"
	"runtime/debug"
)

// Garbage is collected late while memory is plenty, and as usual near the soft limit: a fold allocates much that dies at
// once, and collecting it at every doubling of a small heap cost a sixth of the processor.
const (
	gcPercent   = 400
	memoryLimit = 384 << 20 // bytes; soft
)

// TuneMemory sets how this process collects garbage, unless GOGC or GOMEMLIMIT say otherwise.
func TuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
		debug.SetMemoryLimit(memoryLimit)
	}
}
