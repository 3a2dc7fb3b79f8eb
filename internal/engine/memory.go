package engine

import (
	"os"
	"runtime/debug"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/processors/velocity"
)

// Garbage is collected late while memory is plenty, and as usual near the soft limit: a fold allocates much that dies at
// once, and collecting it at every doubling of a small heap cost a sixth of the processor. What velocity holds of a
// few million keys comes on top, and so does what is under way between its role and risk: within the limit of the others a
// third of the processor collected garbage.
const (
	gcPercent      = 400
	memoryLimit    = 384 << 20 // bytes; soft
	velocityMemory = 512 << 20 // on top of it, where velocity runs
)

// TuneMemory sets how this process collects garbage, unless GOGC or GOMEMLIMIT say otherwise.
func TuneMemory(c *config.Config) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limit := int64(memoryLimit)
	if c.Runs(velocity.RoleName) {
		limit += velocityMemory
	}
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(limit)
}
