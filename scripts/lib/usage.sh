# shellcheck shell=bash
# usage.sh - what a script says when it is asked: the comment at its head.

# usage ARGUMENTS... answers --help and -h, and ends the script.
usage() {
    case ${1:-} in
    --help | -h)
        sed -n -e 1d -e '/^#/!q' -e 's/^# \{0,1\}//p' "scripts/${0##*/}"
        exit 0
        ;;
    esac
}
