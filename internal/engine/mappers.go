package engine

import (
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/processors/webhooks"
)

// Mappers map the webhooks of the configured PSPs. They connect to nothing.
func Mappers(c *config.Config) (webhooks.Mappers, error) {
	adapters, err := (&Engine{Config: c}).adapters()
	if err != nil {
		return nil, err
	}
	mappers := webhooks.Mappers{}
	for _, adapter := range adapters {
		mappers[adapter.Name()] = adapter
	}
	return mappers, nil
}
