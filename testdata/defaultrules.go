// Package defaultrules holds the rule set that weir uses where none is configured.
package defaultrules

import "embed"

// FS holds the rule files, as rules.LoadFS(defaultrules.FS, defaultrules.Dir) reads them. The directory holds nothing
// else, so that an analyst can copy it.
//
//go:embed rules/*.yaml rules/lists/*.csv
var FS embed.FS

// Dir is the directory of the rules in FS.
const Dir = "rules"
