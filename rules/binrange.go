package rules

import (
	"fmt"
	"strconv"
	"strings"
)

const rangeWord = " to "

// binRanged are the entries that an entry of a list with match bin_prefix stands for: "400000 to 400199" is 4000 and 4001 of
// six digits, that is every BIN that begins with one of them. Any other entry stands for itself.
//
// A BIN of 6 digits is in a range of 8 where all that begin with it are; where some are it cannot be told, as with any entry
// that is longer than the BIN.
func binRanged(e Entry) ([]Entry, error) {
	from, to, ranged := strings.Cut(e.Value, rangeWord)
	if !ranged {
		return []Entry{e}, nil
	}
	for _, end := range []string{from, to} {
		if err := fitsBIN(end); err != nil {
			return nil, err
		}
	}
	low, _ := strconv.Atoi(from) // digits, 8 at most
	high, _ := strconv.Atoi(to)
	switch {
	case len(from) != len(to):
		return nil, &hinted{fmt.Sprintf("the range %q has ends of %d and %d digits", e.Value, len(from), len(to)), "write both with equally many digits, both ends are in the range: \"40000000 to 40009999\""}
	case low > high:
		return nil, &hinted{fmt.Sprintf("the range %q ends before it begins", e.Value), fmt.Sprintf("write %q", to+rangeWord+from)}
	}
	var all []Entry
	for low <= high {
		digits, step := len(from), 1
		for digits > minBINDigits && low%(10*step) == 0 && low+10*step-1 <= high {
			digits, step = digits-1, 10*step
		}
		part := e
		part.Value = fmt.Sprintf("%0*d", digits, low/step)
		all = append(all, part)
		low += step
	}
	return all, nil
}
