"""Wire vocabulary: metadata, Status errors, selectors, patches, codecs, the clock.

Everything here turns bytes, objects and time into bytes and objects. No module of this
package opens a file, a socket or a process, and none knows a particular kind.
"""
