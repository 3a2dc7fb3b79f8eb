package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// Sources are where settings come from besides the defaults; a later field overrides those before it.
type Sources struct {
	File    string   // path of a YAML file; "" for none
	Environ []string // as os.Environ returns it
	Flags   []Setting
	Tool    bool // a tool reads them, which runs no role: what only roles need may be missing
}

// Load reads, merges and checks the sources. Its error joins one *Error for each key that is wrong.
func Load(s Sources) (*Config, error) {
	tree, places, err := s.merge()
	if err != nil {
		return nil, err
	}
	c := Default()
	d := decoder{places: places}
	d.object(reflect.ValueOf(&c).Elem(), tree, "")
	if len(d.errs) == 0 {
		c.settle()
		d.validate(&c, !s.Tool)
	}
	if err := errors.Join(d.errs...); err != nil {
		return nil, err
	}
	return &c, nil
}

func (s Sources) merge() (tree map[string]any, places map[string]string, err error) {
	var layers []layer
	if s.File != "" {
		l, err := readFile(s.File)
		if err != nil {
			return nil, nil, err
		}
		layers = append(layers, l)
	}
	environment, err := readEnvironment(s.Environ)
	if err != nil {
		return nil, nil, err
	}
	flags, err := readFlags(s.Flags)
	if err != nil {
		return nil, nil, err
	}
	merged := koanf.New(".")
	places = map[string]string{}
	for _, l := range append(layers, environment, flags) {
		if err := merged.Load(confmap.Provider(l.tree, ""), nil); err != nil {
			return nil, nil, fmt.Errorf("merge configuration: %w", err)
		}
		maps.Copy(places, l.places)
	}
	return merged.Raw(), places, nil
}

// FileFromEnvironment is the configuration file where no flag names one: $WEIR_CONFIG, else weir.yaml in the working
// directory where it exists, else none.
func FileFromEnvironment(getenv func(string) string) string {
	if path := getenv(ConfigVariable); path != "" {
		return path
	}
	if info, err := os.Stat(defaultFile); err == nil && info.Mode().IsRegular() {
		return defaultFile
	}
	return ""
}

const defaultFile = "weir.yaml"
