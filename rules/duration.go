package rules

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// durationType is what velocity's since_first and since_last and duration("…") are to the type checker.
var durationType = types.NewObjectType("duration", traits.ComparerType)

// duration is a time in whole seconds.
type duration struct{ seconds int64 }

// durationUnits are the units in which durations are written.
var durationUnits = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}

// maxDurationDigits keeps the product with the unit in range.
const maxDurationDigits = 6

// parseDuration reads 90s, 10m, 24h or 7d.
func parseDuration(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a time such as 10m, 24h or 7d", text)
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

// Compare implements traits.Comparer.
func (d *duration) Compare(other ref.Val) ref.Val {
	o, ok := other.(*duration)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return order(d.seconds, o.seconds)
}

// Equal implements ref.Val.
func (d *duration) Equal(other ref.Val) ref.Val { return equalByOrder(d.Compare(other)) }

func (d *duration) Type() ref.Type                              { return durationType }
func (d *duration) Value() any                                  { return time.Duration(d.seconds) * time.Second }
func (d *duration) ConvertToType(t ref.Type) ref.Val            { return noConversion(durationType, t) }
func (d *duration) ConvertToNative(t reflect.Type) (any, error) { return noNative(durationType, t) }
