// Package defaultrules holds the rule set that weir uses where none is configured, and the starter rules that "weir rules
// init" writes beside it.
package defaultrules

import "embed"

// FS holds the rule files, as rules.LoadFS(defaultrules.FS, defaultrules.Dir) reads them. The directory holds nothing
// else, so that an analyst can copy it.
//
//go:embed rules/*.yaml rules/lists/*.csv rules/starter/*.yaml
var FS embed.FS

// Directories in FS: the rule set, and the rules that need velocity, data files and a look at one's own amounts.
const (
	Dir     = "rules"
	Starter = "rules/starter"
)
