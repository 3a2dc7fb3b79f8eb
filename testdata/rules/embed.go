// Package defaultrules holds the rule set that weir uses where none is configured.
package defaultrules

import "embed"

// FS holds the rule files in its root, as rules.LoadFS(defaultrules.FS, ".") reads them.
//
//go:embed *.yaml lists/*.csv
var FS embed.FS
