package local

const diesWithParent = true
