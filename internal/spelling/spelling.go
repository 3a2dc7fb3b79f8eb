// Package spelling finds what a misspelt name was meant to be.
package spelling

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Nearest is the candidate that takes the fewest changes to become name, in any case of letters; "" where none takes as few as
// most. A change is an insertion, a deletion, a substitution or a swap of neighbours. Of equals it is the first in alphabetical
// order.
func Nearest(name string, candidates []string, most int) string {
	best, fewest := "", most+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if n := changes(strings.ToLower(name), strings.ToLower(c)); n < fewest {
			best, fewest = c, n
		}
	}
	return best
}

// Few is how many changes a name is likely to be away from what was meant: one of three characters, three at most.
func Few(name string) int { return min(3, max(1, utf8.RuneCountInString(name)/3)) }

// changes counts those that turn a into b, two short names.
func changes(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			substitution := last[j-1]
			if a[i-1] != b[j-1] {
				substitution++
			}
			row[j] = min(last[j]+1, row[j-1]+1, substitution)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
