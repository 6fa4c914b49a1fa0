//go:build tools

// Names what build.sh builds, so that go.sum holds the sums of all they need. Nothing here runs.
package tools

import (
	_ "github.com/influxdata/influxdb/v2/cmd/influxd"
	_ "github.com/influxdata/pkg-config"
)
