package topics

import (
	"embed"
	"io/fs"
)

//go:embed balance.go command.go customer.go deadletter.go event.go inbox.go link.go payout.go refusal.go wallet.go
var source embed.FS

// Source is the Go source of the records. Their comments become the descriptions in generated schemas, so that what a
// field means is written in one place.
func Source() fs.FS { return source }
