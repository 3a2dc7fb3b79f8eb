package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// durationUnits are the units in which durations are written.
var durationUnits = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}

// maxDurationDigits keeps the product with the unit in range.
const maxDurationDigits = 6

// parseDuration reads 90s, 10m, 24h or 7d.
func parseDuration(text string) (time.Duration, error) {
	wrong := &hinted{fmt.Sprintf("%q is not a time", text), "write it as 10m, 24h or 7d; the units are s, m, h and d"}
	if text == "" {
		return 0, wrong
	}
	unit, ok := durationUnits[text[len(text)-1]]
	digits := text[:len(text)-1]
	if !ok || digits == "" || len(digits) > maxDurationDigits || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' && digits != "0" {
		return 0, wrong
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, wrong
	}
	return time.Duration(n) * unit, nil
}
