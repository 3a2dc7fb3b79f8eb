package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Bytes is a size. It is written as a number of bytes, or with a unit: 256KiB, 4MiB, 1GiB.
type Bytes int64

func (b Bytes) String() string {
	for _, unit := range byteUnits() {
		if b != 0 && b%unit.size == 0 {
			return strconv.FormatInt(int64(b/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

type byteUnit struct {
	name string
	size Bytes
}

func byteUnits() []byteUnit { return []byteUnit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} }

func parseBytes(text string) (Bytes, error) {
	size := Bytes(1)
	for _, unit := range byteUnits() {
		if number, ok := strings.CutSuffix(text, unit.name); ok {
			text, size = strings.TrimSpace(number), unit.size
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > int64(1<<62/size) {
		return 0, errors.New("want a number of bytes, or one with KiB, MiB or GiB, such as 4MiB")
	}
	return Bytes(n) * size, nil
}

const day = 24 * time.Hour

// parseDuration knows days besides the units of Go: 7d, 36h, 1m30s, 100ms.
func parseDuration(text string) (time.Duration, error) {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && n >= 0 && n <= 36500 {
			return time.Duration(n) * day, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("want a duration with its unit, such as 100ms, 30s, 15m, 12h or 7d")
	}
	return d, nil
}

func formatDuration(d time.Duration) string {
	if d >= 2*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	text, minutes := strings.CutSuffix(text, "m0s")
	if minutes {
		text += "m"
	}
	if hours, ok := strings.CutSuffix(text, "h0m"); ok {
		text = hours + "h"
	}
	return text
}

// setScalar reads text into v, whose kind says how it is written.
func setScalar(v reflect.Value, text string) error {
	switch v.Type() {
	case reflect.TypeFor[time.Duration]():
		d, err := parseDuration(text)
		v.SetInt(int64(d))
		return err
	case reflect.TypeFor[Bytes]():
		b, err := parseBytes(text)
		v.SetInt(int64(b))
		return err
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return errors.New("want true or false")
		}
		v.SetBool(text == "true")
	default:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("want an integer of %d bits", v.Type().Bits())
		}
		v.SetInt(n)
	}
	return nil
}

// formatScalar writes a value as setScalar reads it; a secret is masked.
func formatScalar(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		return formatDuration(value)
	case fmt.Stringer: // Bytes, Secret, DSN
		return value.String()
	}
	return fmt.Sprint(v.Interface())
}

// typeName is what the documentation calls a value's type.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Bytes]():
		return "bytes"
	case reflect.TypeFor[Secret]():
		return "secret"
	case reflect.TypeFor[DSN]():
		return "URL"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "list of " + typeName(t.Elem())
	}
	return "integer"
}
