"""Volumes of storage systems, most of which CSI drivers serve today."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.schema import F, Struct, always
from strongroom.resources.object_reference import LocalObjectReference


class AWSElasticBlockStoreVolumeSource(Struct):
    """A disk of AWS; served by its CSI driver today."""

    volumeID: Annotated[str, F(1, "ID of the disk.", required=True)] = always(str)
    fsType: Annotated[str, F(2, "File system of the volume.")] = ""
    partition: Annotated[int, F(3, "Partition to mount; 0 for the whole disk.", format="int32")] = 0
    readOnly: Annotated[bool, F(4, "Whether it can only be read.")] = False


class AzureDiskVolumeSource(Struct):
    """A disk of Azure; served by its CSI driver today."""

    diskName: Annotated[str, F(1, "Name of the disk.", required=True)] = always(str)
    diskURI: Annotated[str, F(2, "URI of the disk.", required=True)] = always(str)
    cachingMode: Annotated[
        str | None, F(3, "How the host caches.", enum=("None", "ReadOnly", "ReadWrite"))
    ] = None
    fsType: Annotated[str | None, F(4, "File system of the volume; ext4 by default.")] = None
    readOnly: Annotated[bool | None, F(5, "Whether it can only be read.")] = None
    kind: Annotated[
        str | None, F(6, "How the disk is managed.", enum=("Dedicated", "Managed", "Shared"))
    ] = None


class AzureFileVolumeSource(Struct):
    """A file share of Azure; served by its CSI driver today."""

    secretName: Annotated[
        str, F(1, "Secret with the storage account's name and key.", required=True, refers="Secret")
    ] = always(str)
    shareName: Annotated[str, F(2, "Name of the share.", required=True)] = always(str)
    readOnly: Annotated[bool, F(3, "Whether it can only be read.")] = False


class CephFSVolumeSource(Struct):
    """A CephFS mount; no longer supported by nodes."""

    monitors: Annotated[
        list[str], F(1, "Addresses of the monitors.", list_type="atomic", required=True)
    ] = always(list)
    path: Annotated[str, F(2, "Root of the mount.")] = ""
    user: Annotated[str, F(3, "User to mount as.")] = ""
    secretFile: Annotated[str, F(4, "Path of the key ring on the node.")] = ""
    secretRef: Annotated[
        LocalObjectReference | None, F(5, "Secret with the user's key.", refers="Secret")
    ] = None
    readOnly: Annotated[bool, F(6, "Whether it can only be read.")] = False


class CinderVolumeSource(Struct):
    """A disk of OpenStack; served by its CSI driver today."""

    volumeID: Annotated[str, F(1, "ID of the disk.", required=True)] = always(str)
    fsType: Annotated[str, F(2, "File system of the volume.")] = ""
    readOnly: Annotated[bool, F(3, "Whether it can only be read.")] = False
    secretRef: Annotated[
        LocalObjectReference | None,
        F(4, "Secret with the parameters of the connection.", refers="Secret"),
    ] = None


class CSIVolumeSource(Struct):
    """A volume that a CSI driver makes for the pod."""

    driver: Annotated[str, F(1, "Name of the driver.", required=True)] = always(str)
    readOnly: Annotated[bool | None, F(2, "Whether it can only be read.")] = None
    fsType: Annotated[str | None, F(3, "File system of the volume.")] = None
    volumeAttributes: Annotated[dict[str, str], F(4, "Parameters for the driver.")] = {}
    nodePublishSecretRef: Annotated[
        LocalObjectReference | None,
        F(5, "Secret that the driver gets when it mounts.", refers="Secret"),
    ] = None


class FCVolumeSource(Struct):
    """A Fibre Channel disk."""

    targetWWNs: Annotated[
        list[str], F(1, "World-wide names of the targets.", list_type="atomic")
    ] = []
    lun: Annotated[int | None, F(2, "Number of the logical unit.", format="int32")] = None
    fsType: Annotated[str, F(3, "File system of the volume.")] = ""
    readOnly: Annotated[bool, F(4, "Whether it can only be read.")] = False
    wwids: Annotated[
        list[str],
        F(5, "World-wide IDs of the volume, instead of targets and unit.", list_type="atomic"),
    ] = []


class FlexVolumeSource(Struct):
    """A volume of an exec-based driver; CSI took its place."""

    driver: Annotated[str, F(1, "Name of the driver.", required=True)] = always(str)
    fsType: Annotated[str, F(2, "File system of the volume.")] = ""
    secretRef: Annotated[
        LocalObjectReference | None, F(3, "Secret that the driver gets.", refers="Secret")
    ] = None
    readOnly: Annotated[bool, F(4, "Whether it can only be read.")] = False
    options: Annotated[dict[str, str], F(5, "Parameters for the driver.")] = {}


class FlockerVolumeSource(Struct):
    """A Flocker dataset; no longer supported by nodes."""

    datasetName: Annotated[str, F(1, "Name of the dataset.")] = ""
    datasetUUID: Annotated[str, F(2, "UUID of the dataset.")] = ""


class GCEPersistentDiskVolumeSource(Struct):
    """A disk of Google Cloud; served by its CSI driver today."""

    pdName: Annotated[str, F(1, "Name of the disk.", required=True)] = always(str)
    fsType: Annotated[str, F(2, "File system of the volume.")] = ""
    partition: Annotated[int, F(3, "Partition to mount; 0 for the whole disk.", format="int32")] = 0
    readOnly: Annotated[bool, F(4, "Whether it can only be read.")] = False


class GitRepoVolumeSource(Struct):
    """A Git repository; no longer supported by nodes."""

    repository: Annotated[str, F(1, "URL of the repository.", required=True)] = always(str)
    revision: Annotated[str, F(2, "Commit to check out.")] = ""
    directory: Annotated[str, F(3, "Directory to check out into.")] = ""


class GlusterfsVolumeSource(Struct):
    """A Glusterfs mount; no longer supported by nodes."""

    endpoints: Annotated[str, F(1, "Name of the Endpoints with the servers.", required=True)] = (
        always(str)
    )
    path: Annotated[str, F(2, "Name of the volume.", required=True)] = always(str)
    readOnly: Annotated[bool, F(3, "Whether it can only be read.")] = False


class ISCSIVolumeSource(Struct):
    """An iSCSI disk."""

    targetPortal: Annotated[str, F(1, "Address of the target.", required=True)] = always(str)
    iqn: Annotated[str, F(2, "Qualified name of the target.", required=True)] = always(str)
    lun: Annotated[int, F(3, "Number of the logical unit.", format="int32", required=True)] = (
        always(int)
    )
    iscsiInterface: Annotated[str, F(4, "Name of the interface; default by default.")] = ""
    fsType: Annotated[str, F(5, "File system of the volume.")] = ""
    readOnly: Annotated[bool, F(6, "Whether it can only be read.")] = False
    portals: Annotated[list[str], F(7, "Further addresses of the target.", list_type="atomic")] = []
    chapAuthDiscovery: Annotated[bool, F(8, "Whether discovery authenticates with CHAP.")] = False
    chapAuthSession: Annotated[bool, F(11, "Whether the session authenticates with CHAP.")] = False
    secretRef: Annotated[
        LocalObjectReference | None, F(10, "Secret with the CHAP credentials.", refers="Secret")
    ] = None
    initiatorName: Annotated[str | None, F(12, "Name of the initiator.")] = None


class NFSVolumeSource(Struct):
    """An NFS mount."""

    server: Annotated[str, F(1, "Name or address of the server.", required=True)] = always(str)
    path: Annotated[str, F(2, "Exported path.", required=True)] = always(str)
    readOnly: Annotated[bool, F(3, "Whether it can only be read.")] = False


class PhotonPersistentDiskVolumeSource(Struct):
    """A disk of Photon; no longer supported by nodes."""

    pdID: Annotated[str, F(1, "ID of the disk.", required=True)] = always(str)
    fsType: Annotated[str, F(2, "File system of the volume.")] = ""


class PortworxVolumeSource(Struct):
    """A Portworx volume; served by its CSI driver today."""

    volumeID: Annotated[str, F(1, "ID of the volume.", required=True)] = always(str)
    fsType: Annotated[str, F(2, "File system of the volume.")] = ""
    readOnly: Annotated[bool, F(3, "Whether it can only be read.")] = False


class QuobyteVolumeSource(Struct):
    """A Quobyte mount; no longer supported by nodes."""

    registry: Annotated[str, F(1, "Addresses of the registry.", required=True)] = always(str)
    volume: Annotated[str, F(2, "Name of the volume.", required=True)] = always(str)
    readOnly: Annotated[bool, F(3, "Whether it can only be read.")] = False
    user: Annotated[str, F(4, "User to mount as.")] = ""
    group: Annotated[str, F(5, "Group to mount as.")] = ""
    tenant: Annotated[str, F(6, "Tenant of the volume.")] = ""


class RBDVolumeSource(Struct):
    """A Ceph block device; no longer supported by nodes."""

    monitors: Annotated[
        list[str], F(1, "Addresses of the monitors.", list_type="atomic", required=True)
    ] = always(list)
    image: Annotated[str, F(2, "Name of the image.", required=True)] = always(str)
    fsType: Annotated[str, F(3, "File system of the volume.")] = ""
    pool: Annotated[str, F(4, "Name of the pool; rbd by default.")] = ""
    user: Annotated[str, F(5, "Name of the user; admin by default.")] = ""
    keyring: Annotated[
        str, F(6, "Path of the key ring on the node; /etc/ceph/keyring by default.")
    ] = ""
    secretRef: Annotated[
        LocalObjectReference | None, F(7, "Secret with the user's key.", refers="Secret")
    ] = None
    readOnly: Annotated[bool, F(8, "Whether it can only be read.")] = False


class ScaleIOVolumeSource(Struct):
    """A ScaleIO volume; no longer supported by nodes."""

    gateway: Annotated[str, F(1, "Address of the gateway.", required=True)] = always(str)
    system: Annotated[str, F(2, "Name of the storage system.", required=True)] = always(str)
    secretRef: Annotated[
        LocalObjectReference | None,
        F(3, "Secret with the credentials.", required=True, refers="Secret"),
    ] = None
    sslEnabled: Annotated[bool, F(4, "Whether the gateway is reached over TLS.")] = False
    protectionDomain: Annotated[str, F(5, "Name of the protection domain.")] = ""
    storagePool: Annotated[str, F(6, "Name of the storage pool.")] = ""
    storageMode: Annotated[str, F(7, "Thick or thin provisioning; ThinProvisioned by default.")] = (
        ""
    )
    volumeName: Annotated[str, F(8, "Name of the volume.")] = ""
    fsType: Annotated[str, F(9, "File system of the volume; xfs by default.")] = ""
    readOnly: Annotated[bool, F(10, "Whether it can only be read.")] = False


class StorageOSVolumeSource(Struct):
    """A StorageOS volume; no longer supported by nodes."""

    volumeName: Annotated[str, F(1, "Name of the volume.")] = ""
    volumeNamespace: Annotated[str, F(2, "Namespace of the volume in StorageOS.")] = ""
    fsType: Annotated[str, F(3, "File system of the volume.")] = ""
    readOnly: Annotated[bool, F(4, "Whether it can only be read.")] = False
    secretRef: Annotated[
        LocalObjectReference | None, F(5, "Secret with the credentials.", refers="Secret")
    ] = None


class VsphereVirtualDiskVolumeSource(Struct):
    """A disk of vSphere; served by its CSI driver today."""

    volumePath: Annotated[str, F(1, "Path of the disk.", required=True)] = always(str)
    fsType: Annotated[str, F(2, "File system of the volume.")] = ""
    storagePolicyName: Annotated[str, F(3, "Name of the storage policy.")] = ""
    storagePolicyID: Annotated[str, F(4, "ID of the storage policy.")] = ""
